-- what 36_from_jsonb has is new

@part 36_from_jsonb.sql
