-- what 58_choose_message has is new

@part 58_choose_message.sql
