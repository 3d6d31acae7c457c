const settings = JSON.parse('{broken');
export default function () { console.log(settings); }
