# join.awk: the parts of a script, one behind the other. The first file is the
# template of equality, order and hash; a line "@comparison TYPE|COST|ORDER|HASH"
# of a part stands for it: the cost of its functions, and what the operator
# classes say of the order and of equality.
FNR == NR { template = template $0 "\n"; next }
!/^@comparison / { print; next }
{
	sub(/^@comparison /, "")
	if (split($0, word, "|") != 4) {
		print FILENAME ":" FNR ": @comparison takes TYPE|COST|ORDER|HASH" > "/dev/stderr"
		exit 1
	}
	text = template
	gsub(/@TYPE@/, word[1], text)
	gsub(/@COST@/, word[2], text)
	gsub(/@ORDER@/, word[3], text)
	gsub(/@HASH@/, word[4], text)
	printf "%s", text
}
