import { parseHTML } from 'k6/html';
export default function () {
  console.log(parseHTML('<p>one'.repeat(5000)).find('p').size());
  parseHTML('<div>'.repeat(200000)).find('div div');
}
