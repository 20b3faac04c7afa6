// check.mjs FOLDER: compares what Chromium saw in the page with the tables of the database.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
let passed = 0;
let failed = 0;

function check(ok, what, detail) {
	if (ok) {
		passed++;
	} else {
		failed++;
		console.log(`not ok: ${what}${detail ? `: ${detail}` : ''}`);
	}
}

// Rows of a CSV file without quotes or commas in its fields, as psql writes these tables.
function table(name) {
	const [head, ...rows] = readFileSync(join(folder, 'expected', `${name}.csv`), 'utf8').trimEnd().split('\n').map(l => l.split(','));
	return rows.map(r => Object.fromEntries(r.map((field, i) => [head[i], field])));
}

const same = (shown, value) => shown === value ||
	(shown === '\u00b7' && Number(value) === 0) || (value !== '' && shown !== '' && shown !== null && Number(String(shown).replace(/,/g, '')) === Number(value));

const names = readdirSync(join(folder, 'expected')).map(f => f.replace(/\.csv$/, ''));
const expected = Object.fromEntries(names.map(n => [n, table(n)]));

function compare(label, shown, wanted) {
	check(shown.length === wanted.length, `${label} has ${wanted.length} values`, `${shown.length} are shown`);
	wanted.forEach((value, i) => check(same(shown[i], value), `${label}, value ${i + 1}`, `${shown[i]} is shown, ${value} is right`));
}

function heat(label, shown, rows, row, column, value) {
	const cells = new Map(rows.map(r => [`${r[row]} ${r[column]}`, r[value]]));
	const columns = shown[0].slice(1);
	let count = 0;
	shown.slice(1).forEach(([name, ...values]) => values.forEach((v, i) => {
		const wanted = cells.get(`${name} ${columns[i]}`);
		count += wanted !== undefined;
		check(wanted === undefined ? v === '' : same(v, wanted), `${label}, ${name} ${columns[i]}`, `${v} is shown, ${wanted} is right`);
	}));
	check(count === rows.length, `${label} shows all ${rows.length} cells`, `${count}`);
}

// What the probe of a page found, null if the page did not run to its end.
function pageSeen(name) {
	const found = readFileSync(join(folder, `dom-${name}.html`), 'utf8').match(/<pre id="probe">(.*?)<\/pre>/s);
	check(found !== null, `the page ${name} runs to its end`);
	return found && JSON.parse(found[1].replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&nbsp;/g, ' ').replace(/&amp;/g, '&'));
}

for (const width of [1280, 400]) {
	const page = pageSeen(width);
	if (page === null) continue;

	check(page.width === width, `the page is ${width} pixels wide`, page.width);
	check(page.content_width <= page.width, `nothing is wider than ${width} pixels`, page.content_width);
	check(page.links.length === 0, 'the page needs no other file', page.links.join(' '));

	check(!page.personal && page.names_text === null && !/Customer \d/.test(page.text), 'without names there are none');
	for (const name of ['headline', 'revenue', 'projection', 'rfm_grid', 'segment', 'segment_day', 'whale', 'cohort', 'migration', 'tracking', 'tier']) {
		check(expected[name].length > 0, `${name} has rows`);
		// The value of the customers needs models, of which these tables know nothing.
		const shown = page.tables[name].slice(1).filter(r => !r[0].startsWith('value of'));
		compare(`table ${name}`, shown.flat(), expected[name].flatMap(r => Object.values(r)));
	}
	const [value] = expected.value;
	compare('value of the next year, and a year ago', page.tables.headline.slice(1).find(r => r[0].startsWith('value of')).slice(1, 3), Object.values(value).slice(0, 2));
	compare('revenue of the next year, with its interval', page.next_year.match(/\d[\d,]*(\.\d+)?/g).filter(n => n !== '95'),
		Object.values(value).slice(2).map(n => String(Math.round(Number(n)))));
	heat('grid of recency and frequency', page.heats.rfm_grid, expected.rfm_grid, 'recency', 'frequency', 'customers');
	heat('cohorts', page.heats.cohort, expected.cohort, 'cohort_start', 'age', 'active_percent');

	const column = (name, c) => expected[name].map(r => r[c]);
	const series = (name, i, f = v => v) => page.charts[name].series[i].data.map(f);
	const customers = column('segment', 'customers').reduce((sum, n) => sum + Number(n), 0);
	compare('segments', page.charts.segment.labels, column('segment', 'segment'));
	compare('segments, share of customers', series('segment', 0), column('segment', 'customers').map(n => String(Math.round(1000 * n / customers) / 10)));
	compare('segments, share of revenue', series('segment', 1), column('segment', 'revenue_percent'));
	compare('revenue, periods', page.charts.revenue.labels, column('revenue', 'period_start'));
	compare('revenue of returning customers', series('revenue', 0), column('revenue', 'returning_revenue'));
	compare('revenue of new customers', series('revenue', 1), column('revenue', 'new_revenue'));
	compare('cohorts, to date', series('projection', 0), column('projection', 'revenue_to_date'));
	compare('cohorts, still to come', series('projection', 1), column('projection', 'still_to_come'));
	compare('whale curve, customers', series('whale', 0, p => p.x), column('whale', 'customer_percent'));
	compare('whale curve, profit', series('whale', 0, p => p.y), column('whale', 'profit_percent'));
	compare('tracking, weeks', series('tracking', 0, p => p.x), column('tracking', 'week'));
	compare('tracking, expected', series('tracking', 0, p => p.y), column('tracking', 'expected'));
	compare('tracking, actual', series('tracking', 1, p => p.y), column('tracking', 'actual'));
	compare('migration', page.charts.migration.labels, expected.migration.map(m => `${m.from_state} → ${m.to_state}`));
	compare('migration, customers', series('migration', 0), column('migration', 'customers'));
	compare('tiers', page.charts.tier.labels, column('tier', 'tier'));
	compare('tiers, customers', series('tier', 0), column('tier', 'customers'));
	for (const [name, chart] of Object.entries(page.charts)) check(chart.pixels > 10000, `chart ${name} is drawn`, chart.pixels);

	const [assumption] = expected.assumption;
	const [peak] = expected.whale_peak;
	const numbers = text => text.match(/\d[\d,]*(\.\d+)?/g);
	check(page.intro === `${customers.toLocaleString('en-US')} customers, as of ${assumption.as_of}`, 'the introduction', page.intro);
	compare('text of the whale curve', numbers(page.whale), [String(100 * assumption.margin), assumption.cost_of_an_order,
		assumption.acquisition_cost, peak.customer_percent, peak.profit_percent]);
}

const named = pageSeen('names');
if (named !== null) {
	check(named.personal, 'with names the page says that they are personal data');
	check(named.names_text.includes(` ${Number(expected.left_out[0].customers).toLocaleString('en-US')} are left out`), 'how many are left out', named.names_text);
	check(new Set(expected.names.map(n => n.list)).size === 3, 'each list has names');
	for (const list of ['at risk', 'newly lapsed', 'about to reach a tier']) {
		compare(list, (named.names[list] || []).slice(1).flat(), expected.names.filter(n => n.list === list).flatMap(n => [n.name, n.amount, n.segment, n.last_on]));
	}
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
