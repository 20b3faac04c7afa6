-- what 44_renewals has is new

@part 44_renewals.sql
