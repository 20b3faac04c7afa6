-- what 35_challenge has is new

@part 35_challenge.sql
