import http from 'k6/http';
import { check } from 'k6';

const to = __ENV.URL.replace('http://', '');
export const options = { hosts: { 'shop.example:81': to, '*.eu.shop.example': to } };

export default function () {
  const answers = [
    http.get('http://shop.example:81/echo'),
    http.get('http://a.eu.shop.example/echo'),
  ];
  console.log(answers.map((one) => one.json('path')).join(' '));
  check(answers, { 'both lead there': (all) => all.every((one) => one.json('path') === '/echo') });
}
