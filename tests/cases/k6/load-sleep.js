import { sleep } from 'k6';
sleep(1);
export default function () {}
