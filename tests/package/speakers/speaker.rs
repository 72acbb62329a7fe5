//! Does what each line asks for, as speaker.c does.

use keywright::{Algorithm, Client, LimiterOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::open(&std::env::args().nth(1).ok_or("a URL")?)?;
    for line in std::io::stdin().lines() {
        let line = line?;
        let words: Vec<_> = line.split('\t').collect();
        let algorithm = if words[0] == "gcra" { Algorithm::GCRA } else { Algorithm::FIXED_WINDOW };
        let limiter = client.limiter_with(words[2], words[1], &LimiterOptions::new().algorithm(algorithm))?;
        let cost = words[5].parse()?;
        let made = if words[3] == "hit" { limiter.hit_n(words[4], cost) } else { limiter.peek_n(words[4], cost) }?;
        let (retry, reset) = (made.retry_after.as_micros(), made.reset_after.as_micros());
        println!("{} {} {retry} {reset}", made.status, made.remaining);
    }
    Ok(())
}
