"""Operations that several edges need: take a message in, send one, do what rules want, ask the doctor."""
