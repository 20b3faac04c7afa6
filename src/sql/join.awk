# join.awk: the parts of a script, one behind the other. The first file is the
# template of equality, order and hash; a line "@comparison TYPE|COST|ORDER|HASH"
# of a part stands for it: the cost of its functions, and what the operator
# classes say of the order and of equality.
#
# An update script says much of the install script again. After mode=again come
# the parts of that, and after mode=join those to join: a line "@replace NAME" of
# these stands for the definitions of all functions, aggregates and procedures of
# a name, schema included, with OR REPLACE, "@create NAME" for the same without;
# what they are commented with follows. A line "@part FILE" stands for a whole part,
# all of which is new.

FNR == NR { template = template $0 "\n"; next }

mode == "again" {
	base = FILENAME
	sub(/^.*\//, "", base)
	parts[base] = parts[base] ($0 ~ /^@comparison / ? comparison($0) : $0 "\n")
	remember($0)
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

/^@comparison / { printf "%s", comparison($0); next }

{ print }

# The template of a type.
function comparison(line,    word, text)
{
	sub(/^@comparison /, "", line)
	if (split(line, word, "|") != 4) {
		fail("@comparison takes TYPE|COST|ORDER|HASH")
	}
	text = template
	gsub(/@TYPE@/, word[1], text)
	gsub(/@COST@/, word[2], text)
	gsub(/@ORDER@/, word[3], text)
	gsub(/@HASH@/, word[4], text)
	return text
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
