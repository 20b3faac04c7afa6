-- what 32_breakage has is new

@part 32_breakage.sql
