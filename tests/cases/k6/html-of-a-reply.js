import http from 'k6/http';
export default function () {
  const page = http.get(`${__ENV.URL}/page`);
  console.log(page.html('title').text(), page.html().find('form').size());
  const login = page.html('#login');
  console.log(login.serialize(), JSON.stringify(login.serializeArray()[0]), JSON.stringify(login.serializeObject()));
  const sent = page.submitForm({ formSelector: '#login', fields: { user: 'bob', more: 1 } });
  console.log(sent.json('method'), sent.json('path'), sent.json('body'), sent.json('type'));
  const found = page.submitForm({ params: { headers: { 'X-Test': 'yes' } } });
  console.log(found.json('method'), found.json('path'), found.json('query'), found.json('x'));
  const next = page.clickLink();
  console.log(next.json('method'), next.json('path'), next.json('query'));
  for (const wrong of [() => page.clickLink({ selector: 'a.none' }), () => page.submitForm({ formSelector: '#none' }), () => http.get('http://127.0.0.1:1/').html()]) {
    try { wrong(); } catch (error) { console.log(error.message); }
  }
}
