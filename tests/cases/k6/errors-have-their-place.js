import { broken } from './lib/broken.js';
function inner() {
  return broken();
}
export default function () { inner(); }
