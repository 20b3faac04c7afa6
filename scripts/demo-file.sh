# shellcheck shell=bash
#
# demo-file.sh: makes of a file of orders, as spreadsheets, shops and databases
# write them, what demo-load.sql reads.  The caller has set $csv (the file),
# $customer, $date and $amount (names of columns, or empty), and uses $columns,
# $customer_column, $date_column and $amount_columns.
# shellcheck disable=SC2034,SC2154

# Makes $plain of the file: unpacked, in UTF-8.
read_file()
{
	local magic

	[[ -e $csv ]] || die "$csv: there is no such file"
	[[ -f $csv && -r $csv ]] || die "$csv: not a file that can be read"
	[[ -s $csv ]] || die "$csv: the file is empty"
	plain=$(mktemp "$work/orders.XXXXXX")
	magic=$(head -c 4 "$csv" | od -A n -t x1 | tr -d ' \n')
	case $magic in
		1f8b*) gzip -cd "$csv" > "$plain" 2> /dev/null || die "$csv: gzip cannot unpack it" ;;
		504b0304) die "$csv: a workbook or a zip archive; save the sheet as CSV, or unpack it" ;;
		d0cf11e0) die "$csv: a workbook of Excel; save the sheet as CSV" ;;
		425a68* | fd377a58 | 28b52ffd) die "$csv: packed; unpack it (bunzip2, xz -d, unzstd), or pack it by gzip" ;;
		*) cat "$csv" > "$plain" ;;
	esac
	[[ -s $plain ]] || die "$csv: the file is empty"
	to_utf8
	sed -i $'1s/^\xef\xbb\xbf//' "$plain"
}

# Rewrites $plain as UTF-8: by its byte order mark, or as Windows writes Western Europe.
to_utf8()
{
	local mark encoding=

	mark=$(head -c 2 "$plain" | od -A n -t x1 | tr -d ' \n')
	case $mark in
		fffe | feff) encoding=UTF-16 ;;
		*) if ! iconv -f UTF-8 -t UTF-8 "$plain" > /dev/null 2>&1; then encoding=WINDOWS-1252; fi ;;
	esac
	[[ -n $encoding ]] || return 0
	if [[ $encoding != UTF-16 ]]; then say "$csv: not in UTF-8, read as $encoding"; fi
	iconv -f "$encoding" -t UTF-8 "$plain" > "$plain.utf8" 2> /dev/null ||
		die "$csv: not a text in UTF-8, UTF-16 or WINDOWS-1252"
	mv "$plain.utf8" "$plain"
}

# Sets $delimiter, of those that separate fields the most frequent in the header,
# and $header, the names in it as they are written.
read_header()
{
	local line candidate count best=0

	IFS= read -r line < "$plain" || true
	line=${line%$'\r'}
	# An Excel file may say itself what separates its fields.
	if [[ $line == sep=? ]]; then
		sed -i 1d "$plain"
		IFS= read -r line < "$plain" || true
		line=${line%$'\r'}
	fi
	delimiter=,
	for candidate in ',' ';' $'\t' '|'; do
		split_header "$line" "$candidate"
		count=${#header[@]}
		if [[ $count -gt $best ]]; then best=$count delimiter=$candidate; fi
	done
	split_header "$line" "$delimiter"
	[[ ${#header[@]} -gt 1 ]] || die "$csv: line 1: expected a header that names columns, found: $line"
}

# Sets $header to the fields of a line; a quoted one may hold the delimiter.
split_header()
{
	local line=$1 delimiter=$2 field='' quoted=no i character

	header=()
	for ((i = 0; i < ${#line}; i++)); do
		character=${line:i:1}
		if [[ $character == '"' ]]; then
			if [[ $quoted == yes ]]; then quoted=no; else quoted=yes; fi
		elif [[ $character == "$delimiter" && $quoted == no ]]; then
			header+=("$field")
			field=''
		else
			field+=$character
		fi
	done
	header+=("$field")
}

# The name of a column as it is compared: Customer ID, customer-id and CUSTOMER_ID are one.
plain_name() { tr '[:upper:]' '[:lower:]' <<< "$1" | sed 's/^ *//; s/ *$//; s/[ _.-]//g'; }

# Prints the number of the column of a name, or dies: which option names it.
find_column()
{
	local name=$1 option=$2 i found='' wanted

	wanted=$(plain_name "$name")
	for ((i = 0; i < ${#header[@]}; i++)); do
		[[ $(plain_name "${header[i]}") == "$wanted" ]] || continue
		[[ -z $found ]] || die "$csv: line 1: two columns are called $name"
		found=$((i + 1))
	done
	if [[ -z $found ]]; then
		die "$csv: line 1: no column $name; $option NAME says which of these it is: $(printf '%s, ' "${header[@]}" | sed 's/, $//')"
	fi
	echo "$found"
}

# Sets $columns to a list for COPY, one name for each of the file's columns, and
# the expressions of SQL that are customer, day and amount.  An amount may be a
# product, Quantity*UnitPrice.
choose_columns()
{
	local i number factor factors

	columns=$(for ((i = 1; i <= ${#header[@]}; i++)); do printf 'column_%s,' "$i"; done)
	columns=${columns%,}
	number=$(find_column "${customer:-customer_id}" --customer) || exit
	customer_column=column_$number
	number=$(find_column "${date:-ordered_on}" --date) || exit
	date_column=column_$number
	amount_columns=''
	IFS='*' read -r -a factors <<< "${amount:-amount}"
	for factor in "${factors[@]}"; do
		number=$(find_column "$factor" --amount) || exit
		amount_columns+=${amount_columns:+,}column_$number
	done
}
