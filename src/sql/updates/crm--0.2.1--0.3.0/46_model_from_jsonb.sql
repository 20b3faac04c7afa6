-- models from jsonb

@part 46_model_from_jsonb.sql
