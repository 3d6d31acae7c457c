import { SharedArray } from 'k6/data';
new SharedArray('rows', () => ({ a: 1 }));
export default function () {}
