-- what 58_suppression has is new

@part 58_suppression.sql
