import { twice } from './lib/double.js';
import words from './lib/words.json';
export default function () { console.log(twice(4), words.join()); }
