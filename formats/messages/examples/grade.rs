fn main(){ for f in std::env::args().skip(1){ let t=std::fs::read_to_string(&f).unwrap();
 let mut n=[0;4]; for c in messages::corpus::cases(&t){ let (e,g)=messages::corpus::grade(&c); n[g as usize]+=1;
 for k in &c.right { if messages::message(k).is_none(){println!("NOKEY {k}");} }
 if g as usize>0 { let h=match &e.head { Some(messages::Head::Text(t,_))=>format!("text:{}",t.says), Some(h)=>h.message().unwrap().key.to_string(), None=>"none".into() };
 println!("{} want {:?} got {h}\n     {}", g.name(), c.right, c.line.chars().take(400).collect::<String>());
 if std::env::var("L").is_ok(){ for l in &e.layers { let k=match &l.known{Some(messages::LayerKnown::Message(m))=>m.key.into(),Some(messages::LayerKnown::Text(t))=>format!("t:{}",t.says),None=>"?".to_string()}; println!("        {k:30} | {}", l.text.chars().take(120).collect::<String>()); } } } }
 println!("{f} right {} narrowed {} miss {} wrong {}",n[0],n[1],n[2],n[3]); } }
