import http from 'k6/http';
export default function () {
  const r = http.get(`${__ENV.URL}/document`);
  for (const path of [
    'items.#', 'items.#.id', 'items.1.name', 'a\\.b', 'deep.list.2', 'items.#(name=="two").id', 'items.#(name=="two")#.id',
    'items.#(id>1)#.name', 'deep.te*', 'nothing', 'missing', 'items.9', 'items.#(name%"o*").id', 'deep.list.#',
  ]) console.log(path, JSON.stringify(r.json(path)));
  const one = r.json();
  one.items.length = 0;
  console.log(r.json('items.#'), r.json().items.length);
}
