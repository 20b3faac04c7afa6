// probe.js: tells the page around it what is to be seen: appended by test-report.
'use strict';
const texts = selector => [...document.querySelectorAll(selector)];
parent.document.body.appendChild(Object.assign(parent.document.createElement('pre'), {
	id: 'probe',
	textContent: JSON.stringify({
		width: innerWidth,
		content_width: document.documentElement.scrollWidth,
		intro: document.getElementById('intro').textContent,
		whale: document.querySelector('#whale p').textContent,
		tables: Object.fromEntries(texts('table.rows').map(t => [t.dataset.figure,
			[...t.rows].map(r => [...r.cells].map(c => c.textContent))])),
		heats: Object.fromEntries(texts('table.heat').map(t => [t.dataset.figure,
			[...t.rows].map(r => [...r.cells].map(c => c.dataset.row ?? c.textContent))])),
		names: Object.fromEntries(texts('table.names').map(t => [t.dataset.figure,
			[...t.rows].map(r => [...r.cells].map(c => c.textContent))])),
		names_text: document.querySelector('#names p') && document.querySelector('#names p').textContent,
		personal: document.getElementById('personal') !== null,
		next_year: document.getElementById('next_year') && document.getElementById('next_year').textContent,
		text: document.body.innerText,
		charts: Object.fromEntries(Object.entries(charts).map(([name, chart]) => [name, {
			labels: chart.data.labels,
			series: chart.data.datasets.map(d => ({ label: d.label, data: d.data })),
			pixels: chart.width * chart.height,
		}])),
		links: texts('[src], link[href]').map(e => e.getAttribute('src') || e.getAttribute('href')),
	}),
}));
