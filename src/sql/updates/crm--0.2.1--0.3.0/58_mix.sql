-- what 58_mix has is new

@part 58_mix.sql
