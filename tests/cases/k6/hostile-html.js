import { parseHTML } from 'k6/html';
export default function () {
  const deep = parseHTML('<div>'.repeat(900) + 'x');
  console.log(deep.find('div div').size() > 100, deep.text().length, deep.html().length > 1000);
  const wild = parseHTML('\u0000<p a="1" a=2 =x <b>\ud83d\ude00</b></\u0000p><table><tr><td>1<div>2</table><svg><a xlink:href="z">');
  console.log(JSON.stringify(wild.find('p').attr('a')), wild.find('td').text(), wild.find('svg a').size());
  for (const css of ['', '*:', '>>', '::before', ':has(', ',', 'a\u0000b', '[a="', ':nth-child(n+', '#' + 'x'.repeat(5000)]) {
    try { console.log(JSON.stringify(css.slice(0, 12)), wild.find(css).size()); } catch (error) { console.log(JSON.stringify(css), error.message.includes('no selector')); }
  }
  const own = wild.find('p');
  for (const act of [() => own.each(1), () => own.map(), () => own.filter({}), () => own.find(null), () => own.closest(), () => own.attr(), () => own.get(1e9), () => own.eq(NaN), () => own.slice('a', {}), () => own.data(Symbol.iterator)]) {
    try { console.log(typeof act()); } catch (error) { console.log(error.name); }
  }
  console.log(Object.prototype.polluted, parseHTML('<i __proto__="x" constructor=1>').find('i').attr('__proto__'));
}
