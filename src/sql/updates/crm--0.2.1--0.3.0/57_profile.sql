-- what 57_profile has is new

@part 57_profile.sql
