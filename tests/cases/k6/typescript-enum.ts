export const options = {};
enum Color { Red }
export default () => console.log(Color.Red);
