-- what 57_delight has is new

@part 57_delight.sql
