export async function cause(main){main.append('…')}
