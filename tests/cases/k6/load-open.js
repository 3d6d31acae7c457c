const text = open('./lib/words.json');
const bytes = open('lib/words.json', 'b');
export default function () {
  console.log(JSON.parse(text).length, bytes.byteLength);
  open('lib/words.json');
}
