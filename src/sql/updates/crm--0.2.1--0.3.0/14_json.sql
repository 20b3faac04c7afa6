-- rules as JSON

@part 07_json.sql
