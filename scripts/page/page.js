// page.js: draws the figures. Every figure stands in a table, too; numbers are
// shown as the database rounded them.
'use strict';

const figures = JSON.parse(document.getElementById('figures').textContent);
const ink = getComputedStyle(document.documentElement);
const main = ink.getPropertyValue('--main').trim();
const colours = [`rgb(${main})`, '#e08a1e', '#3a9b6a'];
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
	const box = element(document.getElementById(name), 'details');
	element(box, 'summary', {}, 'Numbers');
	const t = element(scrollBox(box), 'table', { className: 'rows' });
	t.dataset.figure = name;
	if (rows.length === 0) return;
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
function heat(name, rowLabels, columnLabels, cell, corner, { weight = cell, remark = () => '' } = {}) {
	const t = element(scrollBox(document.getElementById(name)), 'table', { className: 'heat' });
	t.dataset.figure = name;
	const most = Math.max(...rowLabels.flatMap(r => columnLabels.map(c => weight(r, c) || 0)), 1);
	const head = element(t, 'tr');
	element(head, 'th', { className: 'text' }, corner);
	columnLabels.forEach(c => element(head, 'th', {}, c));
	rowLabels.forEach(r => {
		const line = element(t, 'tr');
		element(element(line, 'th', { className: 'text' }, r), 'small', {}, remark(r));
		columnLabels.forEach(c => {
			const value = cell(r, c);
			const td = element(line, 'td', {}, value === undefined ? '' : value === 0 ? '\u00b7' : show(value));
			if (value) {
				const strength = Math.sqrt(Math.max(0, weight(r, c)) / most);
				td.style.background = `rgba(${main}, ${0.06 + 0.94 * strength})`;
				td.className = strength > 0.6 ? 'dark' : '';
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

function bars(name, label, series, horizontal, stacked) {
	chart(name, {
		type: 'bar',
		data: {
			labels: figures[name].map(label),
			datasets: series.map(([title, value], i) => ({ label: title, data: figures[name].map(value), backgroundColor: colours[i] || `rgba(${main}, 0.35)` })),
		},
		options: {
			indexAxis: horizontal ? 'y' : 'x',
			scales: { x: { beginAtZero: true, stacked }, y: { beginAtZero: true, stacked, ticks: { autoSkip: !horizontal } } },
			plugins: { legend: { display: series.length > 1 } },
		},
	});
}

function describe(name, text) {
	document.querySelector(`#${name} p`).textContent = text;
}

// What the names of crm.rf_grid mean, and what they ask for.
const advice = {
	'Champions': 'Bought lately and often. Thank them, show them what is new first, ask them to recommend.',
	'Loyal': 'Buy often. Offer what goes with what they have; do not discount what they buy anyway.',
	'Potential Loyalist': 'Bought lately, more than once. Win the next purchase: membership, a reason to return.',
	'New': 'Bought just now, and least often; most are new. Welcome them, and help them to get good use of it.',
	'Promising': 'Bought not long ago, and least often. Remind them while they remember you.',
	'Need Attention': 'Middling in all. A limited offer shows who is still interested.',
	'About To Sleep': 'Neither recent nor frequent. A cheap reminder, no more.',
	'At Risk': 'Bought often, and have been away. Write personally, ask what went wrong.',
	'Cannot Lose': 'Were among the best, and have been away. Call them.',
	'Hibernating': 'Few purchases, long ago. Leave them out of costly mail.',
};
const source = figures.source[0];
const assumption = figures.assumption[0];
const money = n => (n === null ? 'unknown' : show(n) + (source.currency ? ` ${source.currency}` : ''));
const customers = assumption.customers;
document.getElementById('intro').textContent = `${show(customers)} ${customers === 1 ? 'customer' : 'customers'}, as of ${assumption.as_of}` +
	(customers === 0 ? ': nobody has bought yet' : '');

figures.headline.forEach(h => {
	const card = element(document.getElementById('headline'), 'div');
	const percent = h.measure.endsWith(' (%)');
	element(card, 'span', {}, h.measure.replace(/ \(%\)$/, ''));
	element(card, 'b', {}, h.last_365_days === null ? '–' : /revenue|order|value/.test(h.measure) ? money(h.last_365_days) :
		show(h.last_365_days) + (percent ? ' %' : ''));
	if (h.measure.startsWith('value')) {
		element(card, 'span', {}, `expected and discounted, by the rules of the tracking (${source.purchase_model})`);
		figures.next_year.filter(y => y.revenue !== null).forEach(y => element(card, 'span', { id: 'next_year' },
			`expected revenue ${money(y.revenue)}${y.low === null ? '' : ` (95 %: ${show(y.low)} to ${show(y.high)})`}`));
	} else if (h.change === null) {
		element(card, 'span', {}, 'last 365 days; no full year before them');
	} else {
		element(card, 'span', { className: h.change < 0 ? 'down' : h.change > 0 ? 'up' : '' },
			`${h.change > 0 ? '+' : ''}${show(h.change)} ${h.change_unit} on the 365 days before`);
	}
});
if (!figures.headline.some(h => h.measure.startsWith('value'))) {
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
	const nobody = s.customers === 0 ? 'nobody' : '';
	element(list, 'dt', { className: nobody }, `${s.segment}: ${show(s.customers)}`);
	element(list, 'dd', { className: nobody }, advice[s.segment] || 'A segment of the rules of this tracking.');
});

const peak = figures.whale_peak[0];
describe('whale', `Cumulated profit, the most profitable customers first, at a margin of ${show(100 * assumption.margin)} %, ` +
	`${show(assumption.cost_of_an_order)} to serve an order and ${show(assumption.acquisition_cost)} to acquire a customer. ` +
	(!peak || peak.profit_percent === null ? 'The total is not positive.' :
		`Highest at ${show(peak.customer_percent)} % of the customers: ${show(peak.profit_percent)} % of the profit.`));
if (peak && peak.profit_percent !== null) lines('whale', 'customer_percent', 'customers, %', 'cumulated profit, %', [['profit', 'profit_percent']]);

describe('cohort', `Customers by the ${assumption.period} of their first purchase: percent who bought in each ${assumption.period} ` +
	'after it. Periods that are not over are left out.');
const cells = Object.fromEntries(figures.cohort.map(c => [`${c.cohort_start} ${c.age}`, c.active_percent]));
const sizes = Object.fromEntries(figures.cohort.map(c => [c.cohort_start, c.customers]));
heat('cohort', [...new Set(figures.cohort.map(c => c.cohort_start))], [...new Set(figures.cohort.map(c => c.age))].sort((a, b) => a - b),
	(cohort, age) => cells[`${cohort} ${age}`], 'first purchase', { remark: cohort => ` (${show(sizes[cohort])})` });

if (figures.projection.length > 1) {
	const sum = column => figures.projection.reduce((s, p) => s + (p[column] || 0), 0);
	describe('projection', `Revenue of each cohort to date, and (pale) what it is still to bring up to the age of the oldest: ` +
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
	describe('tracking', 'Purchases after a calibration that ended half a year earlier, cumulated: expected by the fitted MBG/NBD model, and actual. ' +
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
document.getElementById('foot').textContent = `Tracking ${source.tracking} in database ${source.database}, crm ${source.crm_version}, as of ` +
	`${assumption.as_of}${source.currency ? `, amounts in ${source.currency}` : ''}. Supposed: a margin of ${show(100 * assumption.margin)} %, ` +
	`${show(assumption.cost_of_an_order)} to serve a purchase, ${show(assumption.acquisition_cost)} to acquire a customer. No names, no keys of customers.`;
['headline', 'revenue', 'rfm_grid', 'segment', 'whale', 'cohort', 'projection', 'migration', 'tracking', 'tier'].forEach(table);
