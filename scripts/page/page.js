// page.js: draws the figures. Every figure stands in a table, too; numbers are
// shown as the database rounded them.
'use strict';

const figures = JSON.parse(document.getElementById('figures').textContent);
const ink = getComputedStyle(document.documentElement);
const main = ink.getPropertyValue('--main').trim();
const colours = [`rgb(${main})`, '#e08a1e', '#3a9b6a'];
// From the best segment to the last: no two that stand beside each other look alike, for eyes that do not tell red from green either.
const ladder = ['#1b4f8f', '#3f86cf', '#8fbde8', '#2a9d8f', '#8fd3c4', '#e9c46a', '#f0a04b', '#d95f3c', '#8e3b6e', '#8a929b'];
const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 4 });
const charts = {};
Chart.defaults.font.family = 'system-ui, sans-serif';
Chart.defaults.animation = false;
Chart.defaults.color = ink.getPropertyValue('--soft').trim();
Chart.defaults.borderColor = ink.getPropertyValue('--line').trim();

function show(value) {
	if (value === null) return '';
	return typeof value === 'number' ? number.format(value) : String(value);
}

function element(parent, name, attributes, text) {
	const e = document.createElement(name);
	Object.assign(e, attributes || {});
	if (text !== undefined) e.textContent = text;
	parent.appendChild(e);
	return e;
}

function title(column) {
	return column.replace(/_percent$/, ' %').replace(/_/g, ' ');
}

// A box that scrolls sideways where it must, and says so.
function scrollBox(parent) {
	const box = element(parent, 'div', { className: 'scroll' });
	const sign = element(parent, 'p', { className: 'scrolls', hidden: true }, '\u2194 scrolls sideways');
	const look = () => { sign.hidden = box.scrollWidth <= box.clientWidth; };
	new ResizeObserver(look).observe(box);
	return box;
}

// A table of all rows of a figure, folded away below its chart.
function table(name) {
	const rows = figures[name];
	if (rows.length === 0) return;
	const box = element(document.getElementById(name), 'details');
	element(box, 'summary', {}, 'Numbers');
	const t = element(scrollBox(box), 'table', { className: 'rows' });
	t.dataset.figure = name;
	const columns = Object.keys(rows[0]);
	const head = element(element(t, 'thead'), 'tr');
	const kind = c => (rows.some(r => typeof r[c] === 'number') ? '' : 'text');
	columns.forEach(c => element(head, 'th', { className: kind(c) }, title(c)));
	const body = element(t, 'tbody');
	rows.forEach(r => {
		const line = element(body, 'tr');
		columns.forEach(c => element(line, 'td', { className: kind(c) }, show(r[c])));
	});
}

function chart(name, configuration) {
	const box = element(document.getElementById(name), 'div', { className: 'chart' });
	configuration.options = Object.assign({ responsive: true, maintainAspectRatio: false }, configuration.options);
	charts[name] = new Chart(element(box, 'canvas', { role: 'img', ariaLabel: name.replace('_', ' ') }), configuration);
}

// A grid of cells, coloured by their value.
function heat(name, rowLabels, columnLabels, cell, corner, { weight = cell, remark = () => '', called = r => r, shown = show } = {}) {
	const t = element(scrollBox(document.getElementById(name)), 'table', { className: columnLabels.length < 5 ? 'heat few' : 'heat' });
	t.dataset.figure = name;
	const most = Math.max(...rowLabels.flatMap(r => columnLabels.map(c => weight(r, c) || 0)), 1);
	const head = element(t, 'tr');
	element(head, 'th', { className: 'text' }, corner);
	columnLabels.forEach(c => element(head, 'th', {}, c));
	rowLabels.forEach(r => {
		const line = element(t, 'tr');
		const label = element(line, 'th', { className: 'text' }, called(r));
		label.dataset.row = r;
		element(label, 'small', {}, remark(r));
		columnLabels.forEach(c => {
			const value = cell(r, c);
			const td = element(line, 'td', {}, value === undefined ? '' : value === 0 ? '\u00b7' : shown(value));
			if (value) {
				const strength = Math.sqrt(Math.max(0, weight(r, c)) / most);
				td.style.background = `rgba(${main}, ${0.06 + 0.94 * strength})`;
				td.className = strength > 0.78 ? 'strong' : '';
			}
		});
	});
}

function lines(name, x, xTitle, yTitle, series) {
	chart(name, {
		type: 'line',
		data: {
			datasets: series.map(([label, column], i) => ({
				label, data: figures[name].map(r => ({ x: r[x], y: r[column] })),
				borderColor: colours[i], backgroundColor: colours[i], pointRadius: 2, borderWidth: 2,
			})),
		},
		options: {
			scales: {
				x: { type: 'linear', title: { display: true, text: xTitle } },
				y: { beginAtZero: true, title: { display: true, text: yTitle } },
			},
			plugins: { legend: { display: series.length > 1 } },
		},
	});
}

// The first day of a period, as people call the period.
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const monthOf = day => `${months[day.slice(5, 7) - 1]} ${day.slice(0, 4)}`;
function called(label) {
	if (!/^\d{4}-\d\d-01$/.test(label)) return label;
	return assumption.period === 'quarter' ? `Q${(label.slice(5, 7) - 1) / 3 + 1} ${label.slice(0, 4)}` : monthOf(label);
}

function bars(name, label, series, horizontal, stacked) {
	chart(name, {
		type: 'bar',
		data: {
			labels: figures[name].map(label),
			datasets: series.map(([title, value], i) => ({ label: title, data: figures[name].map(value), backgroundColor: colours[i] || `rgba(${main}, 0.35)`, maxBarThickness: horizontal ? 28 : 72 })),
		},
		options: {
			indexAxis: horizontal ? 'y' : 'x',
			scales: {
				x: { beginAtZero: true, stacked, ticks: horizontal ? { autoSkipPadding: 12, maxRotation: 0 } : { callback(value) { return called(this.getLabelForValue(value)); } } },
				y: { beginAtZero: true, stacked, ticks: { autoSkip: !horizontal } },
			},
			plugins: { legend: { display: series.length > 1, position: series.length > 3 ? 'right' : 'top' }, tooltip: { mode: stacked ? 'index' : 'nearest' } },
		},
	});
}

function describe(name, text) {
	document.querySelector(`#${name} p`).textContent = text;
}

// What the names of crm.rf_grid and crm.rfm_cells mean, and what they ask for.
const advice = {
	'Champions': 'Bought lately and often. Thank them, show them what is new first, ask them to recommend.',
	'Loyal': 'Buy often. Offer what goes with what they have; do not discount what they buy anyway.',
	'Potential Loyalist': 'Bought lately, more than once. Win the next purchase: membership, a reason to return.',
	'New': 'Bought just now, and no more often than others. Welcome who is new, and help them to get good use of it.',
	'Promising': 'Bought not long ago, and no more often than others. Remind them while they remember you.',
	'Need Attention': 'Middling in all. A limited offer shows who is still interested.',
	'About To Sleep': 'Neither recent nor frequent. A cheap reminder, no more.',
	'At Risk': 'Bought often, and have been away. Write personally, ask what went wrong.',
	'Cannot Lose': 'Were among the best, and have been away. Call them.',
	'Hibernating': 'Few purchases, long ago. Leave them out of costly mail.',
	'Lost': 'Away for longest, and brought little. Leave them out of costly mail.',
};
const source = figures.source[0];
const assumption = figures.assumption[0];
// A headline has no cents that nobody reads; the numbers below it have.
const cents = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const brief = n => (Math.abs(n) >= 10000 ? show(Math.round(n)) : Number.isInteger(n) ? show(n) : cents.format(n));
const money = n => (n === null ? 'unknown' : brief(n) + (source.currency ? ` ${source.currency}` : ''));
const customers = assumption.customers;
document.querySelector('h1').textContent = document.title = source.shop ? `Customers of ${source.shop}` : 'Customers';
document.getElementById('intro').textContent = `${show(customers)} ${customers === 1 ? 'customer' : 'customers'}, as of ${assumption.as_of}` +
	(customers === 0 ? ': nobody has bought yet' : '');
if (source.has_names) {
	const warning = element(document.querySelector('header'), 'p', { className: 'personal', id: 'personal' },
		'This page has names, which are personal data: give it to those alone who may have them, and delete it when it has done its work.');
	document.getElementById('intro').after(warning);
}

// The value stands on the rules of the tracking, not on what the page supposes.
const rulesMargin = source.value_margin === null ? 'the margins of the rules' : `a margin of ${show(100 * source.value_margin)}\u00a0%`;
const hasValue = figures.headline.some(h => h.measure.startsWith('value'));
figures.headline.forEach(h => {
	const ofValue = h.measure.startsWith('value');
	const card = element(document.getElementById('headline'), 'div', { className: ofValue ? 'value' : '' });
	const percent = h.measure.endsWith(' (%)');
	element(card, 'span', {}, h.measure.replace(/ \(%\)$/, ''));
	element(card, 'b', {}, h.last_365_days === null ? '–' : /revenue|order|value/.test(h.measure) ? money(h.last_365_days) :
		show(h.last_365_days) + (percent ? ' %' : ''));
	if (h.change !== null) {
		element(card, 'span', { className: h.change < 0 ? 'down' : h.change > 0 ? 'up' : '' },
			`${h.change > 0 ? '+' : ''}${show(h.change)} ${h.change_unit} ${ofValue ? 'on a year ago' : 'on the 365 days before'}`);
	} else if (!ofValue) {
		element(card, 'span', {}, 'last 365 days; no full year before them');
	}
	if (ofValue) {
		element(card, 'span', {}, `at ${rulesMargin}, discounted; expected by the model ${source.purchase_model}`);
		figures.next_year.filter(y => y.revenue !== null).forEach(y => element(card, 'span', { id: 'next_year' },
			`revenue ${money(y.revenue)}${y.low === null ? '; no interval: by the spend model some may spend without bound' :
				`, 95\u00a0%: ${brief(y.low)} to ${brief(y.high)}`}`));
	}
});
if (!hasValue) {
	const card = element(document.getElementById('headline'), 'div');
	element(card, 'span', {}, 'value of the customers');
	element(card, 'b', {}, '–');
	element(card, 'span', {}, 'no models in force: crm.refresh(…, refit => true) fits them');
}

describe('revenue', `By ${assumption.period}${source.currency ? `, in ${source.currency}` : ''}. The ${assumption.period} that is not over is left out.`);
if (figures.revenue.length > 0) {
	bars('revenue', r => r.period_start, [['returning', r => r.returning_revenue], ['new', r => r.new_revenue]], false, true);
} else {
	describe('revenue', `No ${assumption.period} with purchases is over yet.`);
}

const grid = Object.fromEntries(figures.rfm_grid.map(c => [`${c.recency} ${c.frequency}`, c]));
const scores = [...new Set(figures.rfm_grid.map(c => c.frequency))].sort((a, b) => a - b);
heat('rfm_grid', [...scores].reverse(), scores, (r, f) => grid[`${r} ${f}`].customers, 'recency \\ frequency',
	{ weight: (r, f) => grid[`${r} ${f}`].revenue });

bars('segment', s => s.segment, [
	['customers %', s => Math.round(1000 * s.customers / customers) / 10], ['revenue %', s => s.revenue_percent]], true);
const list = element(document.getElementById('advice'), 'dl');
figures.segment.forEach(s => {
	const line = element(list, 'div', { className: s.customers === 0 ? 'nobody' : '' });
	element(line, 'dt', {}, `${s.segment}: ${show(s.customers)}`);
	element(line, 'dd', {}, advice[s.segment] || 'A segment of the rules of this tracking.');
});

const days = [...new Set(figures.segment_day.map(d => d.scored_on))];
if (days.length > 1) {
	const names = [...new Map(figures.segment_day.map(d => [d.segment, d.segment_rank])).entries()].sort((a, b) => (a[1] ?? 99) - (b[1] ?? 99)).map(n => n[0]);
	const counts = Object.fromEntries(figures.segment_day.map(d => [`${d.scored_on} ${d.segment}`, d.customers]));
	describe('segment_day', 'Customers by segment, on the last day of each month on which that was kept.');
	chart('segment_day', {
		type: 'bar',
		data: { labels: days, datasets: names.map((n, i) => ({ label: n || 'none', data: days.map(d => counts[`${d} ${n}`] || 0), backgroundColor: ladder[i % ladder.length] })) },
		options: {
			scales: { x: { stacked: true, ticks: { callback(value) { return monthOf(this.getLabelForValue(value)); } } }, y: { stacked: true, beginAtZero: true } },
			plugins: { legend: { position: innerWidth > 820 ? 'right' : 'bottom', reverse: innerWidth > 820, labels: { boxWidth: 14 } }, tooltip: { mode: 'index' } },
		},
	});
} else {
	describe('segment_day', 'Known from the second refresh on; crm.back_fill fills in the days before.');
}

// Whom to turn to: three short lists, where names are given.
if (source.has_names) {
	const leftOut = figures.names_left_out[0] ? figures.names_left_out[0].customers : 0;
	describe('names', 'The ten of each with the most revenue, or nearest to their tier.' +
		(leftOut > 0 ? ` ${show(leftOut)} ${leftOut === 1 ? 'is' : 'are'} left out who may not be written to.` : ''));
	const lists = element(document.getElementById('names'), 'div', { className: 'lists' });
	[['at risk', 'At risk', 'Silent for longer than fits their rhythm; revenue of the last 365 days.', 'amount'],
		['newly lapsed', 'Newly lapsed', 'A year without a purchase was full in the last 30 days; revenue of all time.', 'amount'],
		['about to reach a tier', 'About to reach a tier', 'Bought in the last quarter of a year; what is missing for the next tier.', 'missing']].forEach(([list, heading, what, column]) => {
		const rows = figures.names.filter(n => n.list === list);
		const box = element(lists, 'div');
		element(box, 'h3', {}, heading);
		element(box, 'p', {}, rows.length > 0 ? what : 'Nobody.');
		if (rows.length === 0) return;
		const t = element(scrollBox(box), 'table', { className: 'names' });
		t.dataset.figure = list;
		const head = element(t, 'tr');
		const kind = i => (i === 1 ? '' : i === 0 ? 'text name' : 'text');
		['name', column === 'missing' ? 'missing' : 'revenue', column === 'missing' ? 'for' : 'segment', 'last bought'].forEach((c, i) => element(head, 'th', { className: kind(i) }, c));
		rows.forEach(n => {
			const line = element(t, 'tr');
			[n.name, cents.format(n[column]), column === 'missing' ? n.next_tier : n.segment, n.last_purchased_on].forEach((v, i) => element(line, 'td', { className: kind(i) }, v));
		});
	});
} else {
	document.getElementById('names').remove();
}

const peak = figures.whale_peak[0];
describe('whale', `Cumulated profit, the most profitable customers first, at a margin of ${show(100 * assumption.margin)} %, ` +
	`${show(assumption.cost_of_an_order)} to serve an order and ${show(assumption.acquisition_cost)} to acquire a customer. ` +
	(!peak || peak.profit_percent === null ? 'The total is not positive: if a purchase or a new customer costs less, say so by --order-cost and --acquisition-cost.' :
		`Highest at ${show(peak.customer_percent)}\u00a0% of the customers: ${show(peak.profit_percent)}\u00a0% of the profit.`));
if (peak && peak.profit_percent !== null) lines('whale', 'customer_percent', 'customers, %', 'cumulated profit, %', [['profit', 'profit_percent']]);

const cells = Object.fromEntries(figures.cohort.map(c => [`${c.cohort_start} ${c.age}`, c.active_percent]));
const sizes = Object.fromEntries(figures.cohort.map(c => [c.cohort_start, c.customers]));
if (figures.cohort.length > 0) {
	describe('cohort', `Customers by the ${assumption.period} of their first purchase: percent who bought in each ${assumption.period} ` +
		'after it. Periods that are not over are left out.');
	heat('cohort', [...new Set(figures.cohort.map(c => c.cohort_start))], [...new Set(figures.cohort.map(c => c.age))].sort((a, b) => a - b),
		(cohort, age) => cells[`${cohort} ${age}`], 'first purchase', { remark: cohort => ` (${show(sizes[cohort])})`, called, shown: percent => (percent === 100 ? '100' : percent.toFixed(1)) });
} else {
	describe('cohort', `No ${assumption.period} with purchases is over yet.`);
}

if (figures.projection.length > 1) {
	const sum = column => figures.projection.reduce((s, p) => s + (p[column] || 0), 0);
	describe('projection', `Revenue of each cohort to date, and (in the weaker colour) what it is still to bring up to the age of the oldest: ` +
		`${money(Math.round(100 * sum('still_to_come')) / 100)} in all, by the chain ladder. Standard errors are in the numbers; ` +
		'they suppose that no period is special.');
	bars('projection', p => p.cohort_start, [['to date', p => p.revenue_to_date], ['still to come', p => p.still_to_come]], false, true);
	charts.projection.data.datasets[1].backgroundColor = `rgba(${main}, 0.35)`;
	charts.projection.update();
} else {
	describe('projection', 'The cohorts are too few, or some brought nothing, so that nothing can be said of what is still to come.');
}

if (figures.migration.length > 0) {
	bars('migration', m => `${m.from_state} → ${m.to_state}`, [['customers', m => m.customers]], true);
}
if (figures.tracking.length > 0) {
	const end = figures.tracking[figures.tracking.length - 1];
	const miss = end.actual > 0 ? Math.round(1000 * (end.expected - end.actual) / end.actual) / 10 : null;
	describe('tracking', 'Purchases after a calibration that ended half a year earlier, cumulated: expected by a model that was fitted then' + (customers > 200000 ? ', to a sample of them' : '') + ', and actual. ' +
		(miss === null ? 'Nobody bought since.' : `${Math.abs(miss) <= 10 ? 'The model can be relied on' : 'The model is to be read with care'}: ` +
			`it expected ${show(Math.abs(miss))} % ${miss < 0 ? 'less' : 'more'} than there was.`));
	lines('tracking', 'week', 'weeks', 'purchases, cumulated', [['expected', 'expected'], ['actual', 'actual']]);
} else {
	describe('tracking', 'The purchases are too few, or of too short a time, to fit a model.');
}
if (figures.tier.length > 0) {
	describe('tier', `Customers by tier: ${figures.tier_of.map(t => `${t.tier} from ${show(t.threshold)}`).join(', ')}.`);
	bars('tier', t => t.tier, [['customers', t => t.customers]], false);
} else {
	describe('tier', 'No tier program is in force.');
}
document.getElementById('foot').textContent = `${source.shop ? `${source.shop}: ` : ''}tracking ${source.tracking} in database ${source.database}, crm ${source.crm_version}, as of ` +
	`${assumption.as_of}${source.currency ? `, amounts in ${source.currency}` : ''}. The whale curve supposes a margin of ${show(100 * assumption.margin)} %, ` +
	`${show(assumption.cost_of_an_order)} to serve a purchase and ${show(assumption.acquisition_cost)} to acquire a customer` +
	(hasValue ? `; the value has ${rulesMargin}${source.discount_rate === null ? '' : ` and a discount of ${show(100 * source.discount_rate)} % a year`}, by the rules of the tracking` : '') + '. ' +
	(source.has_names ? 'The names are personal data.' : 'No names, no keys of customers.');
['headline', 'revenue', 'rfm_grid', 'segment', 'segment_day', 'whale', 'cohort', 'projection', 'migration', 'tracking', 'tier'].forEach(table);
