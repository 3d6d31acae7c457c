import http from 'k6/http';
import { chek, type Checkers } from 'k6';

export default function () {
  chek(http.get('https://shop.example/'), {});
}
