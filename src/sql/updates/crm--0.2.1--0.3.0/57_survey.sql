-- what 57_survey has is new

@part 57_survey.sql
