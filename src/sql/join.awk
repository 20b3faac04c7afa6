# join.awk: the parts of a script, one behind the other. First come the templates,
# files *.sql.in that begin with "@template NAME WORD|WORD|...": a line "@NAME a|b|..."
# of a part stands for the template with these for @WORD@; a line of it whose word is
# empty is left out.
#
# An update script says much of the install script again. After mode=again come
# the parts of that, and after mode=join those to join: a line "@replace NAME" of
# these stands for the definitions of all functions, aggregates and procedures of
# a name, schema included, with OR REPLACE, "@create NAME" for the same without;
# what they are commented with follows. A line "@create_type NAME" stands for a row type
# with the comments of it and of its columns, a line "@part FILE" for a whole part, all of
# which is new.

/^@template / {
	template = "@" $2
	words[template] = $3
	next
}

FILENAME ~ /\.sql\.in$/ { templates[template] = templates[template] $0 "\n"; next }

mode == "again" {
	base = FILENAME
	sub(/^.*\//, "", base)
	text = expanded($0)
	parts[base] = parts[base] text
	n = split(substr(text, 1, length(text) - 1), lines, "\n")
	for (i = 1; i <= n; i++) {
		remember(lines[i])
	}
	next
}

/^@part / {
	if (!($2 in parts)) {
		fail($1 " " $2 ": there is no such part")
	}
	printf "%s", parts[$2]
	next
}

/^@(replace|create) / {
	if (!($2 in definitions)) {
		fail($1 " " $2 ": there is no such function")
	}
	text = "\n" definitions[$2]
	if ($1 == "@replace") {
		gsub(/\nCREATE FUNCTION /, "\nCREATE OR REPLACE FUNCTION ", text)
		gsub(/\nCREATE AGGREGATE /, "\nCREATE OR REPLACE AGGREGATE ", text)
		gsub(/\nCREATE PROCEDURE /, "\nCREATE OR REPLACE PROCEDURE ", text)
	}
	printf "%s%s", substr(text, 2), comments[$2]
	next
}

/^@create_type / {
	if (!(("type " $2) in definitions)) {
		fail($1 " " $2 ": there is no such row type")
	}
	printf "%s%s", definitions["type " $2], comments["type " $2]
	next
}

{ printf "%s", expanded($0) }

# A line of a part: itself, or what its template makes of it.
function expanded(line,    name, nwords, word, value, i, text)
{
	if (line !~ /^@/) {
		return line "\n"
	}
	name = line
	sub(/ .*/, "", name)
	if (!(name in templates)) {
		fail(name ": there is no such template")
	}
	sub(/^@[^ ]* /, "", line)
	nwords = split(words[name], word, "|")
	if (split(line, value, "|") != nwords) {
		fail(name " takes " words[name])
	}
	text = "\n" templates[name]
	for (i = 1; i <= nwords; i++) {
		if (value[i] == "") {
			gsub("\n[^\n]*@" word[i] "@[^\n]*", "", text)
		}
		gsub("@" word[i] "@", value[i], text)
	}
	return substr(text, 2)
}

# Keeps a line of the install script if it belongs to a definition or its comment:
# these end with a line that ends with a semicolon, outside of a body in $$.
function remember(line,    quotes)
{
	if (into == "" && match(line, /^(CREATE|COMMENT ON) (FUNCTION|AGGREGATE|PROCEDURE) [a-z_]+\.[a-z_0-9]+/)) {
		into = line ~ /^CREATE/ ? "definition" : "comment"
		name = substr(line, RSTART, RLENGTH)
		sub(/^.* /, "", name)
		in_body = 0
	} else if (into == "" && match(line, /^(CREATE TYPE|COMMENT ON TYPE|COMMENT ON COLUMN) [a-z_]+\.[a-z_0-9]+/) && (line !~ /^CREATE/ || line ~ / AS \($/)) {
		into = line ~ /^CREATE/ ? "definition" : "comment"
		name = substr(line, RSTART, RLENGTH)
		sub(/^.* /, "type ", name)
		in_body = 0
	}
	if (into == "") {
		return
	}
	if (into == "definition") {
		definitions[name] = definitions[name] line "\n"
	} else {
		comments[name] = comments[name] line "\n"
	}
	quotes = gsub(/\$\$/, "", line)
	if (quotes % 2 == 1) {
		in_body = !in_body
	}
	if (!in_body && line ~ /;$/) {
		into = ""
	}
}

function fail(problem)
{
	print FILENAME ":" FNR ": " problem > "/dev/stderr"
	exit 1
}
