export async function why(main){main.append('…')}
