-- what 70_states has is new

@part 70_states.sql
