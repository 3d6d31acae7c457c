import html from 'k6/html';
const doc = html.parseHTML(`<div id="d" class="x y" lang="de"><span title="s">one</span>two<!--three--><a id="a" href="/p?q=1">go</a>
<form id="f" method="POST"><label for="i">Name</label><input id="i" name="n" value="v" required><select id="s"><option>A<option selected value="b">B</select></form></div>`);
export default function () {
  const div = doc.find('#d').get(0);
  console.log(div.nodeName(), div.nodeType(), div.id(), div.className(), JSON.stringify(div.classList()), div.lang(), `${div}`);
  console.log(div.childElementCount(), div.childNodes().length, div.firstChild().nodeName(), div.childNodes()[1].nodeValue(), div.childNodes()[2].nodeType());
  const span = div.firstElementChild();
  console.log(span.getAttribute('title'), span.getAttribute('no'), span.hasAttribute('title'), span.attributes().title.value, span.getAttributeNode('title').ownerElement === span);
  console.log(span.nextSibling().textContent(), span.nextElementSibling().id(), span.previousSibling(), span.parentElement().isSameNode(div), span.ownerDocument().nodeName());
  console.log(div.contains(span), span.contains(div), div.querySelector('a').href(), div.querySelectorAll('option').length, div.matches('.x.y'), div.getElementsByTagName('input').length, div.getElementsByClassName('y').length);
  const input = doc.find('input').get(0);
  console.log(input.value(), input.name(), input.required(), input.disabled(), input.form().id(), input.form().method(), input.labels()[0].textContent(), div.querySelector('label').control().id());
  console.log(doc.find('select').get(0).value(), doc.find('select').val(), doc.find('option').first().val(), doc.find('select').get(0).selectedOptions()[0].text());
  doc.find('option').each(function (at, element) { console.log(at, element.innerHTML(), element.selection().closest('form').attr('id')); });
  console.log(doc.find('option').get(9), span.isEqualNode(doc.find('span').get(0)), span === doc.find('span').get(-1), span.lang());
}
