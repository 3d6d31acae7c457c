export interface Shape { name: string; area(): number }
export class Square implements Shape {
  readonly name: string = 'square';
  private side: number;
  constructor(side: number) { this.side = side; }
  area(): number { return this.side ** 2; }
  broken(): never { throw new Error('in TypeScript'); }
}
export type Size = 'small' | 'large';
