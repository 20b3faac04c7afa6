-- what 33_comparison has is new

@part 33_comparison.sql
