-- what 59_uplift has is new

@part 59_uplift.sql
