export const options = { hosts: { 'a.test': 'b.test', '*': '10.0.0.1' } };
export default function () {}
