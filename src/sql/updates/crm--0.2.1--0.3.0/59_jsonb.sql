-- rules as JSON, and back

@part 23_scoring_jsonb.sql
@part 47_season_jsonb.sql
@part 58_relationship_jsonb.sql
@part 59_policy_jsonb.sql
@part 59_rule_jsonb.sql
@part 59_mix_base_jsonb.sql
