-- what 55_deeds has is new

@part 55_deeds.sql
