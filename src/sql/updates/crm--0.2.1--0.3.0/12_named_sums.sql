-- what 08_named_sums has is new

@part 08_named_sums.sql
