-- what 88_erase has is new

@part 88_erase.sql
