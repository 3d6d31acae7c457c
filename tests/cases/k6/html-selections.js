import { parseHTML } from 'k6/html';
const doc = parseHTML(`<!doctype html><html lang="en"><title>A shop</title><body>
<ul id="list" class="a b"><li class="one" data-sku-code="7" data-on="true" data-more='{"x":[1]}'>tea <b>hot</b></li><li>coffee</li>
<li class="last">milk<!-- cold --></li></ul><p title="t">after</p><p>end</p></body></html>`);
export default function () {
  const items = doc.find('#list > li');
  console.log(items.size(), JSON.stringify(items.text()), items.first().html(), items.last().attr('class'));
  console.log(doc.find('nothing').html(), doc.find('nothing').attr('x', 'otherwise'), JSON.stringify(doc.find('nothing').text()));
  console.log(items.map((at, one) => `${at}:${one.text()}`).join('|'), items.eq(1).text(), items.eq(-1).text(), items.slice(1, 3).size());
  console.log(items.filter('.one').size(), items.filter((at, one) => one.text() === 'coffee').text(), items.not('.one').size(), items.is('.last'), items.has('b').size());
  console.log(items.first().next().text(), items.last().prevAll().size(), items.first().nextUntil('.last').text(), items.parent().attr('id'), items.first().closest('body').size(), items.first().parents().size());
  console.log(items.first().data('sku-code') + 1, items.first().data('skuCode'), items.first().data('on'), JSON.stringify(items.first().data()));
  console.log(doc.find('li:contains("coff")').text(), doc.find('p:nth-of-type(2)').text(), doc.find('p[title=t]').text(), doc.find('li:not(.one):not(.last)').text());
  console.log(JSON.stringify(items.toArray().map((one) => one.text())), items.first().contents().size(), items.first().children().size(), items.first().parentsUntil('body').size());
  try { doc.find('li['); } catch (error) { console.log(error.message); }
  try { parseHTML(7); } catch (error) { console.log(`${error}`); }
  console.log(parseHTML('').find('body').size(), JSON.stringify(parseHTML('<p>a<p>b').find('p').map((at, one) => one.text())));
}
