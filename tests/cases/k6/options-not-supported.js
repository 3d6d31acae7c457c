export const options = { hosts: { 'a.test': '1.2.3.4' } };
export default function () {}
