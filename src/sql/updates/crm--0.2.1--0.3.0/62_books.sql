-- what 62_books has is new

@part 62_books.sql
