-- when in the year customers buy, and models that count by the season's clock

@part 42_season.sql
