-- what 45_occasions has is new

@part 45_occasions.sql
