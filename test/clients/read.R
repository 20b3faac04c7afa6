# read.R HOST PORT: as read.py does, with RPostgreSQL.
suppressMessages(library(RPostgreSQL))
arguments <- commandArgs(TRUE)
db <- dbConnect(PostgreSQL(), host = arguments[1], port = as.integer(arguments[2]), dbname = "shop", user = "postgres")
for (view in scan("stdin", "", quiet = TRUE)) {
	rows <- dbGetQuery(db, paste("SELECT * FROM", view))
	cat(view, ncol(rows), nrow(rows), sum(!is.na(rows)), "\n")
}
cat("version", as.character(packageVersion("RPostgreSQL")), "\n")
