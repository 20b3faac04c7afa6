-- what 56_preferred_time has is new

@part 56_preferred_time.sql
